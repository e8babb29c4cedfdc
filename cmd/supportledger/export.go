package main

import (
	"context"
	"fmt"

	"github.com/supportledger/supportledger/api"
	"github.com/supportledger/supportledger/transfer"
)

type exportCmd struct {
	onFolder
	Format  string   `default:"csv" enum:"csv,jsonl" help:"How to write it (${enum}); ${default} if left out."`
	Records []string `enum:"partner,location,contact,contract,balance,link" placeholder:"RECORD,..." help:"What to write (${enum}), separated by commas; all of them if left out."`
}

func (exportCmd) name() string { return "export" }

// Run prints contracts with their balances and links. No Contract ID is among it.
func (c *exportCmd) Run(ctx context.Context, t *terminal) error { return c.do(ctx, c, t) }

func (c *exportCmd) on(ctx context.Context, h *house, t *terminal) error {
	set, err := h.projections(ctx)
	if err != nil {
		return err
	}
	l, err := h.recorder()
	if err != nil {
		return err
	}
	head, err := h.store.Head(ctx)
	if err != nil {
		return err
	}
	if h.running {
		err = set.Await(ctx, head)
	} else {
		err = set.CatchUp(ctx)
	}
	if err != nil {
		return fmt.Errorf("bring the read models up to date: %w", err)
	}
	x := &transfer.Exporter{
		Ledger: l, Directory: api.Directory{Rows: set.Contracts, Now: l.Now},
		Progress: func(n int64) { t.progress("export contracts", n, n) },
	}
	for _, r := range c.Records {
		x.Records = append(x.Records, transfer.Record(r))
	}
	return x.Write(ctx, transfer.Format(c.Format), t.out)
}
