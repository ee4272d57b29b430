package main

func (c *copied) certificates() int64 { return int64(len(c.glob(".certificate"))) }
