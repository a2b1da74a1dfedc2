"""From a problem at concrete sizes to solutions and their derivatives."""
