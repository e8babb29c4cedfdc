package contract

import (
	"github.com/google/uuid"
)

var (
	asAni      = Who{Account: ani}
	asBudi     = Who{Account: budi}
	asEngineer = Who{Account: citra, Engineer: true}
)

// submit is Ani's wish for the usual incident, paid by the contract she linked.
func submit(changes ...func(*Submit)) *Submit {
	c := &Submit{
		Account: ani, Payment: LinkedContract, Portal: "oas", Product: "windows", ProblemType: "setup", Category: "install",
		Severity: "C", Title: "It does not start", Texts: theTexts, Agreement: "2026-01",
	}
	for _, change := range changes {
		change(c)
	}
	return c
}

// byPair pays with the contract's two IDs.
func byPair(c *Submit) { c.Payment = AnotherPair }

// aboutAzure is about Azure, at its portal.
func aboutAzure(c *Submit) {
	c.Portal, c.Product, c.Subscription, c.Service = "azure", "azure", "sub-1", "vm"
}

// aboutOffice is about Office 365, at its portal, where nothing is paid.
func aboutOffice(c *Submit) { c.Portal, c.Product, c.Payment = "office", "office-365", NoPayment }

func register(changes ...func(*Register)) *Register {
	c := &Register{AccessID: "0230242323", ContractID: []byte("ciphertext"), Programme: "gold", Contact: theContact}
	for _, change := range changes {
		change(c)
	}
	return c
}

func activate() *Activate { return &Activate{Reason: "why"} }
func suspend() *Suspend   { return &Suspend{Reason: "why"} }
func resume() *Resume     { return &Resume{Reason: "why"} }
func cancel() *Cancel     { return &Cancel{Reason: "why"} }
func renew() *Renew       { return &Renew{Successor: successor, Reason: "why"} }

func reissue(keep ...uuid.UUID) *Reissue {
	return &Reissue{Successor: replacement, Keep: keep, Reason: "why"}
}

func grant(quantity int64) *AddGrant {
	return &AddGrant{Unit: Incident, Quantity: quantity, Reason: "why"}
}

func grantUntil(quantity int64, expires string) *AddGrant {
	return &AddGrant{Unit: Incident, Quantity: quantity, ExpiresOn: day(expires), Reason: "why"}
}

func adjust(g GrantID, quantity int64) *Adjust {
	return &Adjust{Grant: g, Quantity: quantity, Reason: "why"}
}

func link(account uuid.UUID) *Link { return &Link{Account: account, Portal: "oas", Product: "windows"} }

func unlink(account uuid.UUID) *Unlink { return &Unlink{Account: account} }

func closing(n Number, code string) *Close {
	return &Close{Number: n, Closure: code, Texts: theSolving}
}

func reopen(n Number) *Reopen { return &Reopen{Number: n, Who: asAni, Reason: "why"} }

func reclassify(n Number, code string) *Reclassify {
	return &Reclassify{Number: n, Closure: code, Reason: "why"}
}

func comment(n Number, who Who) *Comment { return &Comment{Number: n, Who: who, Texts: theComment} }

func changeSeverity(n Number, who Who, to string) *ChangeSeverity {
	return &ChangeSeverity{Number: n, Who: who, Severity: to, Reason: "why"}
}
