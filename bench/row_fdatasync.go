package main

import (
	"context"
	"fmt"

	"github.com/supportledger/supportledger/bench/yardstick"
)

// fdatasync is the name of the yardstick for one caller alone.
const fdatasync = "fdatasync"

// frameBytes is the size of one submission as the ledger writes it.
const frameBytes = 1100

// fdatasyncRow measures what the disk needs for one submission.
func fdatasyncRow() Row {
	return Row{
		Name: fdatasync, What: "one fdatasync of a submission's size, median", Unit: "ms", Lower: true,
		Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
			writes := 5000
			if lab.Quick {
				writes = 1000
			}
			took, err := yardstick.Fdatasync(ctx, lab.Dir, frameBytes, writes)
			return Sample{
				Figure: took.Seconds() * 1000,
				Note:   fmt.Sprintf("%d writes of %d bytes", writes, frameBytes),
			}, err
		},
	}
}
