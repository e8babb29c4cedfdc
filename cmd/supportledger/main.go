// Command supportledger is the whole product in one binary: the ledger, its HTTP
// interface, and the tools of whoever runs it. It wires the packages together
// and decides nothing itself.
//
// Exit codes: 0 done; 1 it failed, or verify found a record that is wrong;
// 2 it was asked wrongly.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // zones do not depend on the machine
)

func main() {
	makePrivate()
	os.Exit(run(untilSignal(), os.Args[1:], os.Stdout, os.Stderr))
}

// untilSignal is a context that ends when the process is told to end. A second
// signal ends the process at once, from the moment the context has ended.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	first := make(chan os.Signal, 1)
	signal.Notify(first, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-first
		signal.Stop(first)
		cancel()
	}()
	return ctx
}
