package contract

import (
	"maps"
	"slices"
	"testing"

	"github.com/supportledger/supportledger/internal/golden"
)

func shelf() golden.Shelf[Event] {
	return golden.Shelf[Event]{Dir: "testdata/golden", Names: slices.Sorted(maps.Keys(newEvent)), Samples: samples(), Decode: Decode, Encode: Encode}
}

func TestGolden_EveryNameHasASampleThatDecodes(t *testing.T) { shelf().Decodes(t) }

func TestGolden_NoReleasedFileChanges(t *testing.T) { shelf().Unchanged(t) }

func TestGolden_SamplesSetEveryMember(t *testing.T) { shelf().Complete(t) }

func TestGolden_SamplesHaveNothingInCapitals(t *testing.T) { shelf().Named(t) }
