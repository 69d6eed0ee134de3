"""Whatever reads something of others, fed with made-up input: it must answer or refuse, at a cost that stays linear."""
