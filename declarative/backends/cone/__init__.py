"""Convex problems as cone programs, solved item by item and differentiated through their optimality conditions."""
