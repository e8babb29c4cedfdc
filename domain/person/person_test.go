package person_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/person"
)

// TestR47_ARecordedErasureReadsForEver holds the shape of person.erased.v1, which
// was released and does not change.
func TestR47_ARecordedErasureReadsForEver(t *testing.T) {
	const golden = `{"person":"00000000-0000-4000-8000-00000000000a","keys":["k1","k2"],"reason":"asked to"}`
	want := person.Erased{
		Person: uuid.MustParse("00000000-0000-4000-8000-00000000000a"), Keys: []string{"k1", "k2"}, Reason: "asked to",
	}
	var got person.Erased
	if err := json.Unmarshal([]byte(golden), &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read as %+v (%v), want %+v", got, err, want)
	}
	if data, err := json.Marshal(want); err != nil || string(data) != golden {
		t.Errorf("written as %s (%v), want %s", data, err, golden)
	}
	if want.Name() != "person.erased.v1" {
		t.Errorf("it is called %s", want.Name())
	}
}
