package mail

import "testing"

func TestR39_TheTemplatesThatComeWithTheProgramAreRight(t *testing.T) {
	if err := CheckTemplates(""); err != nil {
		t.Fatal(err)
	}
}
