package vault

import (
	"bytes"
	"strings"
	"testing"
)

func TestR3_AContractIDComesBackDigitByDigit(t *testing.T) {
	k := Generate()
	for _, id := range []string{"000000", "0123456789", "01234567890123456789"} {
		got, err := k.OpenContractID(person(1), k.SealContractID(person(1), id))
		if err != nil || got != id {
			t.Errorf("%d digits: %v", len(id), err)
		}
	}
}

func TestR3_TheCiphertextTellsNothing(t *testing.T) {
	k := Generate()
	short, long := k.SealContractID(person(1), "000000"), k.SealContractID(person(1), "01234567890123456789")
	if len(short) != len(long) {
		t.Errorf("%d and %d bytes tell how many digits there are", len(short), len(long))
	}
	if bytes.Equal(long, k.SealContractID(person(1), "01234567890123456789")) {
		t.Error("the same Contract ID is seen to be the same")
	}
	if bytes.Contains(long, []byte("0123")) {
		t.Error("the Contract ID lies in clear")
	}
}

func TestR3_OpenRefusesWhatIsNotThisContracts(t *testing.T) {
	k := Generate()
	sealed := k.SealContractID(person(1), "0123456789")
	_, err := k.OpenContractID(person(2), sealed)
	wantIs(t, err, errNotOpened)
	_, err = Generate().OpenContractID(person(1), sealed)
	wantError(t, err, "encryption key", "is missing")
	for n := range sealed {
		_, err := k.OpenContractID(person(1), sealed[:n])
		wantError(t, err, "open Contract ID of "+person(1).String())
		flipped := bytes.Clone(sealed)
		flipped[n] ^= 1
		_, err = k.OpenContractID(person(1), flipped)
		wantError(t, err, "open Contract ID of "+person(1).String())
		if strings.Contains(err.Error(), "0123456789") {
			t.Fatal("the error shows the Contract ID")
		}
	}
}
