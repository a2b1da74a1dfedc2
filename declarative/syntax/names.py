def check_names(source, tokens): return []
