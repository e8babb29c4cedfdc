package mail_test

import (
	netmail "net/mail"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/notifications/mail"
)

const contractID = "0098765432"

// idsLetter is secret.
func idsLetter() mail.Letter {
	return mail.Letter{
		ID: uuid.UUID{15: 1}, Kind: mail.IDs, To: mail.Person{Name: "Ani Wijaya", Email: "ani@example.com"}, Language: "id",
		Vendor: "Example Support", Contract: "0230242323 - Partner Support Gold 20Pack", ServiceName: "Partner Support Gold 20Pack",
		AccessID: "0230242323", ContractID: contractID,
	}
}

// fewLeftLetter is not; each has an id of its own.
func fewLeftLetter(n byte) mail.Letter {
	l := idsLetter()
	l.ID, l.Kind, l.ContractID, l.Left = uuid.UUID{14: 1, 15: n}, mail.FewLeft, "", mail.Left{Pays: true, Count: 5}
	return l
}

func rendered(t *testing.T, l mail.Letter) *mail.Message {
	t.Helper()
	templates, err := mail.LoadTemplates("")
	must(t, err)
	m, err := templates.Render(l, netmail.Address{Address: "support@example.com"}, time.Date(2026, time.March, 2, 3, 0, 0, 0, time.UTC))
	must(t, err)
	return m
}
