"""What breaks while people rank: processes killed, a full disk, a database that is gone, a clock that jumps."""
