"""The warm level: one process has the libraries loaded, and forks itself into a fresh confinement for each job.

`host` is what the rest of the program sees; `warm` holds the zygote and its jobs from outside; `server` is the
zygote; `root` the file system that it shows; `confinement` what a fork does to itself before the script begins;
`messages` what the two sides say to each other.
"""
