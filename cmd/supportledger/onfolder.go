package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

// A folderCommand works on an open folder: by itself, or inside the ledger that
// has the folder open. Its exported fields are sent as JSON.
type folderCommand interface {
	name() string
	on(ctx context.Context, h *house, t *terminal) error
}

// folderCommands are the commands that a running ledger takes.
var folderCommands = map[string]func() folderCommand{
	verifyCmd{}.name():    func() folderCommand { return new(verifyCmd) },
	historyCmd{}.name():   func() folderCommand { return new(historyCmd) },
	importCmd{}.name():    func() folderCommand { return new(importCmd) },
	exportCmd{}.name():    func() folderCommand { return new(exportCmd) },
	statementCmd{}.name(): func() folderCommand { return new(statementCmd) },
	backupCmd{}.name():    func() folderCommand { return new(backupCmd) },
	listCmd{}.name():      func() folderCommand { return new(listCmd) },
	rebuildCmd{}.name():   func() folderCommand { return new(rebuildCmd) },

	mailsListCmd{}.name():   func() folderCommand { return new(mailsListCmd) },
	mailsShowCmd{}.name():   func() folderCommand { return new(mailsShowCmd) },
	mailsResendCmd{}.name(): func() folderCommand { return new(mailsResendCmd) },
}

// onFolder names the folder that a command works on.
type onFolder struct {
	Data string `json:"-" type:"path" required:"" placeholder:"DIR" env:"SUPPORTLEDGER_DATA" help:"The ledger's folder. If the ledger is running, it does the work."`
	Keys string `json:"-" type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_KEYS" help:"The installation's keys; a running ledger uses its own, a development folder has them in keys.json."`

	placeFlags
}

// patience is how long a command waits for a folder that is just being opened or
// closed.
const patience = 10 * time.Second

// do runs a command in the running ledger, or else opens the folder for it.
func (o onFolder) do(ctx context.Context, cmd folderCommand, t *terminal) error {
	f := folder(o.Data)
	p, err := o.places()
	if err != nil {
		return err
	}
	deadline := time.Now().Add(patience)
	for {
		if conn, err := f.dialControl(ctx); err == nil {
			return askRunning(ctx, conn, cmd, t)
		}
		h, err := openHouse(ctx, f, o.Keys, p, storeFor(cmd, t))
		if err == nil {
			return errors.Join(cmd.on(ctx, h, t), h.close())
		}
		if !errors.Is(err, pebblestore.ErrInUse) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is in use by another process that does not answer at %s: wait until it is ready, or stop it", string(f), f.socket())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// A modest command says how little memory the store may take where nobody else
// needs it.
type modest interface{ store() pebblestore.Options }

func storeFor(cmd folderCommand, t *terminal) pebblestore.Options {
	var options pebblestore.Options
	if m, ok := cmd.(modest); ok {
		options = m.store()
	}
	options.Logger = quietLogger(t)
	return options
}

// quietLogger tells a command's user what is wrong, and not what is normal.
func quietLogger(t *terminal) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// lastOnly lets progress through at most ten times a second, and every end.
func lastOnly(show func(stage string, at, of int64)) func(string, int64, int64) {
	var last time.Time
	return func(stage string, at, of int64) {
		if at < of && time.Since(last) < 100*time.Millisecond {
			return
		}
		last = time.Now()
		show(stage, at, of)
	}
}
