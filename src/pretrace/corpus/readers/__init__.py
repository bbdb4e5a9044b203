"""From files, data sets and installed packages to documents."""
