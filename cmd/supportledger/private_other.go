//go:build !unix

package main

import "os"

func makePrivate() {}

// lockFile does nothing here.
func lockFile(*os.File) error { return nil }
