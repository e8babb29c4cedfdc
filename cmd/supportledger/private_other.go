//go:build !unix

package main

func makePrivate() {}
