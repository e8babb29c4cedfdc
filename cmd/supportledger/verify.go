package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain/contract"
)

type verifyCmd struct {
	onFolder
	SkipReadModels bool `help:"Do not compare the read models with their rebuilds."`
}

func (verifyCmd) name() string { return "verify" }

// Run verifies a folder.
func (c *verifyCmd) Run(ctx context.Context, t *terminal) error { return c.do(ctx, c, t) }

func (c *verifyCmd) on(ctx context.Context, h *house, t *terminal) error {
	result, err := h.verify(ctx, t, !c.SkipReadModels)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	return tellResult(h, t, result)
}

// tellResult prints what verifying has found. The last line is "verify: ok", or
// names what is wrong.
func tellResult(h *house, t *terminal, r audit.Result) error {
	if r.Finding != nil {
		fmt.Fprintf(t.out, "verify: %v\n", r.Finding)
		return errFound
	}
	fmt.Fprintf(t.out, "%d records, %d streams, %d contracts, %d incidents; head %v\n", r.Records, r.Streams, r.Contracts, r.Incidents, r.Head)
	if r.Pending > 0 {
		fmt.Fprintf(t.out, "%d successors are still to be registered; the ledger does so when it runs\n", r.Pending)
	}
	if h.keys == nil {
		fmt.Fprintln(t.out, "without --keys it was not checked that contracts are named by their pairs")
	}
	if h.people == nil {
		fmt.Fprintln(t.out, "without the keys of people attachments were held against their checksums only")
	}
	fmt.Fprintf(t.out, "sha256 of all records %s\nverify: ok\n", r.Digest)
	return nil
}

// verify proves the folder right. An error of the store that names damage is a
// finding too.
func (h *house) verify(ctx context.Context, t *terminal, readModels bool) (audit.Result, error) {
	v := &audit.Verifier{
		Store:    h.store,
		Progress: func(p audit.Progress) { t.progress(p.Stage, p.Done, p.Total) },
		Index:    h.store.check,
	}
	v.File = func(account uuid.UUID, a contract.Attachment) error { return h.files.Check(ctx, account, a) }
	if h.running {
		v.Memory = besideRequests
	} else {
		defer roomForGarbage(alone)()
	}
	if h.keys != nil {
		v.Pair = h.checkPair
	}
	if readModels {
		v.Projections = h.compare
	}
	return v.Verify(ctx)
}

const (
	besideRequests = 128 << 20 // of memory for verifying in a ledger that is running
	alone          = 1 << 30   // of memory altogether in a process that does nothing else
)

// checkPair says whether a contract is named by its pair (R2).
func (h *house) checkPair(id uuid.UUID, e *contract.Registered) error {
	contractID, err := h.keys.OpenContractID(id, e.ContractID)
	if err != nil {
		return err
	}
	if h.keys.ContractStream(e.AccessID, contractID) != id {
		return errors.New("the pair gives the contract another name")
	}
	return nil
}
