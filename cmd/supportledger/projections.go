package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/projections"
)

type listCmd struct{ onFolder }

func (listCmd) name() string { return "projections-list" }

// Run lists the read models.
func (c *listCmd) Run(ctx context.Context, t *terminal) error { return c.do(ctx, c, t) }

func (c *listCmd) on(ctx context.Context, h *house, t *terminal) error {
	set, err := h.projections(ctx)
	if err != nil {
		return err
	}
	head, err := h.store.Head(ctx)
	if err != nil {
		return err
	}
	for _, name := range set.Names() {
		fmt.Fprintln(t.out, name)
	}
	fmt.Fprintf(t.out, "every one of them has seen position %v of %v\n", set.Position(), head)
	return nil
}

type rebuildCmd struct {
	onFolder
	Name string `arg:"" help:"Which read model; projections list names them."`
}

func (rebuildCmd) name() string { return "projections-rebuild" }

// Run rebuilds a read model.
func (c *rebuildCmd) Run(ctx context.Context, t *terminal) error { return c.do(ctx, c, t) }

func (c *rebuildCmd) on(ctx context.Context, h *house, t *terminal) error {
	set, err := h.projections(ctx)
	if err != nil {
		return err
	}
	err = set.Rebuild(ctx, c.Name, func(p projections.Progress) {
		t.progress("rebuild "+p.Projection, int64(p.Position), int64(p.Until))
	})
	if err != nil {
		return fmt.Errorf("rebuild %s (%s): %w", c.Name, strings.Join(set.Names(), ", "), err)
	}
	fmt.Fprintf(t.out, "%s was rebuilt from the log up to position %v\n", c.Name, set.Position())
	return nil
}

// compare holds each read model against its rebuild. Where nobody else does, it
// brings them up to the log first.
func (h *house) compare(ctx context.Context, report func(done, total int64)) (*audit.Finding, error) {
	set, err := h.projections(ctx)
	if err != nil {
		return nil, err
	}
	if !h.running {
		if err := set.CatchUp(ctx); err != nil {
			return nil, fmt.Errorf("catch up: %w", err)
		}
	}
	names := set.Names()
	for i, name := range names {
		_, err := set.Compare(ctx, name, func(p projections.Progress) {
			report(int64(i)*int64(p.Until)+int64(p.Position), int64(len(names))*int64(p.Until))
		})
		different := new(projections.DifferenceError)
		if errors.As(err, &different) {
			return &audit.Finding{Position: different.Position, Law: audit.LawProjection, Found: different.Error()}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("compare %s: %w", name, err)
		}
	}
	return nil, nil
}
