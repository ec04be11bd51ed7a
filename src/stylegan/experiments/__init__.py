"""What trains and measures in one."""
