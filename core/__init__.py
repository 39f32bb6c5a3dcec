"""What every package may use: errors, devices, versions, command lines, atomic writes."""
