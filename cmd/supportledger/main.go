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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
