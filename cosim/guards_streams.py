GUARDS = {}
