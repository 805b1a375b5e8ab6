"""The targets: one file each, found by `table`; what a device or software needs is switched, else refused in words."""
