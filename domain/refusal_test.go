package domain_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/supportledger/supportledger/domain"
)

func TestR44_ARefusalIsACodeASentenceAndAWayOut(t *testing.T) {
	refusal := domain.Refuse("none-available", "buy one", "%d of %d are left", 0, 20)
	if !reflect.DeepEqual(refusal, &domain.Refusal{Code: "none-available", Detail: "0 of 20 are left", Hint: "buy one"}) {
		t.Errorf("%+v", refusal)
	}
	if got := refusal.Error(); got != "none-available: 0 of 20 are left" {
		t.Errorf("as an error it reads %q", got)
	}
	wrapped := fmt.Errorf("submit incident: %w", refusal)
	if found, ok := errors.AsType[*domain.Refusal](wrapped); !ok || found != refusal {
		t.Errorf("wrapped it is found as %v", found)
	}
}

func TestR43_ARefusedFieldIsNamed(t *testing.T) {
	refusal := domain.RefuseField("quantity", "must be at least 1")
	want := &domain.Refusal{
		Code: "invalid-field", Detail: "quantity must be at least 1", Hint: "correct quantity and send the request again",
		Fields: []domain.Field{{Name: "quantity", Reason: "must be at least 1"}},
	}
	if !reflect.DeepEqual(refusal, want) {
		t.Errorf("%+v, want %+v", refusal, want)
	}
	data, err := json.Marshal(refusal.Fields)
	if err != nil || string(data) != `[{"field":"quantity","reason":"must be at least 1"}]` {
		t.Errorf("fields are shown as %s (%v)", data, err)
	}
}

// TestAFieldMayHoldAPercentSign keeps what people typed out of the format.
func TestAFieldMayHoldAPercentSign(t *testing.T) {
	if got := domain.RefuseField("title", "is 100%s wrong").Detail; got != "title is 100%s wrong" {
		t.Errorf("%q", got)
	}
}
