"""What everything else stands on: errors, places, processes, files, tables, the plan."""
