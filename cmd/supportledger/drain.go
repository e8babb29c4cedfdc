package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// drain says that requests should go elsewhere, and returns when those who send them
// have had time to hear it, a second signal says not to wait, or the context ends.
func drain(ctx context.Context, v *service, lasts time.Duration) {
	if lasts == 0 {
		return
	}
	second := make(chan os.Signal, 1)
	signal.Notify(second, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(second)
	v.api.Leave()
	v.log.Info("leaving: /readyz says 503, and everything is answered for a while; a second signal ends that while", "drain", lasts)
	select {
	case <-time.After(lasts):
	case <-second:
	case <-ctx.Done():
	}
}
