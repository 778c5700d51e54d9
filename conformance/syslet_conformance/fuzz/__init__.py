"""Random syslets, run where they can do no harm."""
