"""One process that starts everything Luce needs on one machine, keeps it running, and takes all of it away again.

demo.py      the steps of `make demo`, in order
tree.py      starts children, restarts what crashes, stops all in order
child.py     one process of the tree, with its log
reaper.py    ends the tree if the supervisor itself is killed
broker.py    the embedded Valkey
claims.py    what two supervisors must not share: the folder and the port
refusal.py   one line for the person at the terminal
"""
