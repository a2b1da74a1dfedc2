def foreign_file(source): return None
