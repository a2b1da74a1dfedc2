def check_order(file, complete): return []
