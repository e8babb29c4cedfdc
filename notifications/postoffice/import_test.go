package postoffice_test

import (
	"fmt"
	"testing"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	recorded "github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/notifications/mail"
)

// What an import takes over was so before: nobody is told the IDs again, or of a
// link that is years old. What happens to the contract later is told like anything
// else.
func TestAnImportSendsNoLetters(t *testing.T) {
	r := newRig(t, mail.Config{})
	r.on()
	pair := ledger.Pair{AccessID: "0230242323", ContractID: "0098765432"}
	id := r.ImportID(pair)
	for _, act := range []*ledger.Act{
		r.RegisterAct(pair, ledger.Registration{
			Programme: "blank", Country: "ID", TimeZone: "Asia/Jakarta", Language: "id",
			Contact: contract.ContactTexts{Name: "Citra", Email: "citra@example.com"},
		}, catalog.Date{}, []byte("row")),
		{Contract: id, Name: "activate", Wish: &contract.Activate{Reason: "import"}},
		{Contract: id, Name: "link", Wish: &contract.TakeOverLink{Account: ani.Account, Portal: "desk"}},
	} {
		changed, err := r.Import(t.Context(), operator, nil, act)
		must(t, err)
		if !changed {
			t.Fatalf("%s recorded nothing", act.Name)
		}
	}
	r.linked(5)
	r.open()
	r.until("the letters of the other contract", func() bool { return r.kinds()[recorded.IDs] >= 1 && r.kinds()[recorded.Linked] >= 1 })
	r.close()
	if got := fmt.Sprint(r.kinds()); got != fmt.Sprint(map[mail.Kind]int{recorded.IDs: 1, recorded.Linked: 1}) {
		t.Errorf("sent were %s", got)
	}
}
