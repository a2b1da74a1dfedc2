"""Syntax trees and embedded Python to the one meaning that both have: an `ir.Problem`."""
