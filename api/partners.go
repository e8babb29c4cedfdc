package api

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/projections"
)

func (a *API) registerPartners() {
	const tag = "Partners"
	register(a, "register-partner", http.StatusCreated, texts{tag, "Register a partner", "With its headquarters and their primary contact."}, a.registerPartner)
	register(a, "get-partner", http.StatusOK, texts{tag, "A partner as it is now", "With its locations, contacts and contracts."}, a.getPartner)
	register(a, "renew-membership", http.StatusCreated, texts{tag, "Record a membership renewal",
		"Registers the contracts of the membership year, blank; those that the catalogue says come to life by themselves."}, a.renewMembership)
	register(a, "add-location", http.StatusCreated, texts{tag, "Add a location", ""}, a.addLocation)
	register(a, "change-partner-contact", http.StatusCreated, texts{tag, "Name a contact",
		"A primary contact takes the place of the one before; an associated one may be sent IDs where the region allows it."}, a.changePartnerContact)
	register(a, "buy-toolkit", http.StatusCreated, texts{tag, "Record a location's toolkit",
		"Answers with its contract, which is activated on request."}, a.buyToolkit)
}

// PartnerInput names a partner in the path.
type PartnerInput struct {
	ID string `path:"id" doc:"The partner's id"`
}

// partnerID reads a partner's id; what is none names no partner.
func partnerID(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return uuid.Nil, partner.RefuseUnknown()
	}
	return id, nil
}

// A partnerView is a partner (SPEC section 5).
type partnerView struct {
	ID        string               `json:"id" doc:"What sign-ins carry as partner_id"`
	Name      string               `json:"name"`
	Level     string               `json:"level" example:"gold"`
	Signature bool                 `json:"signature"`
	Country   string               `json:"country"`
	TimeZone  string               `json:"time_zone"`
	Contact   contactView          `json:"primary_contact" doc:"Of the headquarters"`
	Locations []locationView       `json:"locations" nullable:"false"`
	Contacts  []partnerContactView `json:"contacts" nullable:"false" doc:"Associated contacts"`
	Renewals  []membershipView     `json:"membership_renewals" nullable:"false"`
	Contracts []ContractView       `json:"contracts" nullable:"false"`
}

type locationView struct {
	ID           string      `json:"id"`
	Name         string      `json:"name"`
	Country      string      `json:"country"`
	TimeZone     string      `json:"time_zone"`
	Contact      contactView `json:"primary_contact"`
	Competencies []string    `json:"competencies" nullable:"false"`
}

type partnerContactView struct {
	Name     string  `json:"name"`
	Email    string  `json:"email"`
	Language string  `json:"language"`
	Country  string  `json:"country"`
	Location *string `json:"location" doc:"null for the headquarters"`
	Primary  bool    `json:"primary"`
}

type membershipView struct {
	RenewedOn   string  `json:"renewed_on"`
	ActivatesOn *string `json:"activates_on" doc:"The day on which its contracts come to life by themselves; null where they are asked for"`
}

func renderPartner(answer *ledger.PartnerAnswer) partnerView {
	terms, places := answer.State.Terms(), answer.State.Places()
	v := partnerView{
		ID: answer.ID.String(), Name: terms.Company, Level: terms.Level, Signature: terms.Signature,
		Country: terms.Country, TimeZone: terms.TimeZone, Contact: renderPartnerContact(&places[0].Primary),
		Locations: []locationView{}, Contacts: []partnerContactView{}, Renewals: []membershipView{}, Contracts: []ContractView{},
	}
	for i, place := range places {
		if i > 0 {
			v.Locations = append(v.Locations, renderLocation(place))
		}
		for j := range place.Associated {
			v.Contacts = append(v.Contacts, renderAssociated(place.ID, &place.Associated[j], false))
		}
	}
	for _, year := range answer.State.Renewals() {
		core, _ := year.Contract(partner.KindCore)
		v.Renewals = append(v.Renewals, membershipView{year.RenewedOn.String(), orNull(core.ActivatesOn.String())})
	}
	return v
}

func renderLocation(p *partner.Place) locationView {
	return locationView{
		ID: p.ID.String(), Name: p.Title, Country: p.Country, TimeZone: p.TimeZone, Contact: renderPartnerContact(&p.Primary),
		Competencies: append([]string{}, p.Competencies...),
	}
}

func renderAssociated(location uuid.UUID, c *partner.Contact, primary bool) partnerContactView {
	who := renderPartnerContact(c)
	return partnerContactView{who.Name, who.Email, who.Language, c.Country, idOrNull(location), primary}
}

// renderPartnerContact shows a contact that was opened, or forgotten (R47), as
// those of contracts are.
func renderPartnerContact(c *partner.Contact) contactView {
	as := contract.Registered{Language: c.Language}
	as.Contact.Erased = c.Texts.Erased
	if c.Texts.Clear != nil {
		as.Contact.Clear = &contract.ContactTexts{Name: c.Texts.Clear.Name, Email: c.Texts.Clear.Email}
	}
	return renderContact(&as)
}

func personOfContact(c *contactBody) ledger.Person {
	return ledger.Person{Name: c.Name, Email: c.Email, Language: orDefault(c.Language, "en")}
}

type partnerInput struct {
	Body partnerBody
}

func (a *API) registerPartner(ctx context.Context, c *call, in *partnerInput) (*written[partnerView], error) {
	b := &in.Body
	answer, err := a.Ledger.RegisterPartner(ctx, c.request(""), partner.Register{
		Company: b.Name, Level: b.Level, Signature: b.Signature, Country: b.Country, TimeZone: b.TimeZone,
	}, personOfContact(&b.Contact))
	if err != nil {
		return nil, err
	}
	return write(http.StatusCreated, answer.Receipt, renderPartner(&answer)), nil
}

type partnerReadInput struct {
	PartnerInput
	AfterInput
}

func (a *API) getPartner(ctx context.Context, _ *call, in *partnerReadInput) (*shown[partnerView], error) {
	id, err := partnerID(in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := a.position(ctx, in.After); err != nil {
		return nil, err
	}
	answer, err := a.Ledger.Partner(ctx, id)
	if err != nil {
		return nil, err
	}
	v := renderPartner(&answer)
	v.Contracts, err = a.contractsOf(ctx, id.String())
	return &shown[partnerView]{v}, err
}

// contractsOf are all contracts of a partner, the newest first, as they are when
// the lists have seen everything that was recorded before.
func (a *API) contractsOf(ctx context.Context, id string) ([]ContractView, error) {
	if err := a.awaitHead(ctx); err != nil {
		return nil, err
	}
	out := []ContractView{}
	page := projections.Page{Limit: projections.MaxLimit}
	for {
		rows, err := a.Projections.Contracts.List(ctx, a.Ledger.Now(), projections.ContractFilter{PartnerID: id}, page)
		if err != nil {
			return nil, err
		}
		for i := range rows.Items {
			out = append(out, renderSummary(rows.Items[i].ID, rows.Items[i].Summary))
		}
		if page.Cursor = rows.Next; page.Cursor == "" {
			return out, nil
		}
	}
}

type renewalInput struct {
	PartnerInput
	Body renewalBody
}

// A yearView is what a membership renewal has registered.
type yearView struct {
	RenewedOn string         `json:"renewed_on"`
	Contracts []ContractView `json:"contracts" nullable:"false" doc:"Of the membership year; their IDs go by mail when they come to life"`
}

func (a *API) renewMembership(ctx context.Context, c *call, in *renewalInput) (*written[yearView], error) {
	id, err := partnerID(in.ID)
	if err != nil {
		return nil, err
	}
	day, err := date("renewed_on", in.Body.RenewedOn)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.RenewMembership(ctx, c.request(""), id, day)
	if err != nil {
		return nil, err
	}
	v := yearView{RenewedOn: day.String(), Contracts: []ContractView{}}
	for i := range answer.Contracts {
		v.Contracts = append(v.Contracts, renderContract(&answer.Contracts[i]))
	}
	return write(http.StatusCreated, answer.Receipt, v), nil
}

type locationInput struct {
	PartnerInput
	Body locationBody
}

func (a *API) addLocation(ctx context.Context, c *call, in *locationInput) (*written[locationView], error) {
	id, err := partnerID(in.ID)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	answer, err := a.Ledger.AddLocation(ctx, c.request(""), id, partner.AddLocation{
		Title: b.Name, Country: b.Country, TimeZone: b.TimeZone,
	}, personOfContact(&b.Contact))
	if err != nil {
		return nil, err
	}
	return write(http.StatusCreated, answer.Receipt, renderLocation(answer.State.Place(answer.Location))), nil
}

// locationID reads the id of a location; none is the headquarters.
func locationID(text string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, nil
	}
	id, err := uuid.Parse(text)
	if err != nil || id == uuid.Nil {
		return uuid.Nil, invalid("location", "must be the id of one of the partner's locations")
	}
	return id, nil
}

type partnerContactInput struct {
	PartnerInput
	Body partnerContactBody
}

func (a *API) changePartnerContact(ctx context.Context, c *call, in *partnerContactInput) (*written[partnerContactView], error) {
	id, err := partnerID(in.ID)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	location, err := locationID(b.Location)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.ChangeContact(ctx, c.request(""), id, partner.ChangeContact{
		Location: location, Primary: b.Primary, Country: b.Country,
	}, personOfContact(&contactBody{b.Name, b.Email, b.Language}))
	if err != nil {
		return nil, err
	}
	place, now := answer.State.Place(location), partner.Contact{}
	if b.Primary {
		now = place.Primary
	} else {
		who := a.Keys.Contact(b.Email)
		for _, associated := range place.Associated {
			if associated.Texts.Person == who {
				now = associated
			}
		}
	}
	return write(http.StatusCreated, answer.Receipt, renderAssociated(location, &now, b.Primary)), nil
}

type toolkitInput struct {
	PartnerInput
	Body toolkitBody
}

func (a *API) buyToolkit(ctx context.Context, c *call, in *toolkitInput) (*written[ContractView], error) {
	id, err := partnerID(in.ID)
	if err != nil {
		return nil, err
	}
	location, err := locationID(in.Body.Location)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.BuyToolkit(ctx, c.request(""), id, partner.BuyToolkit{
		Location: location, Competency: in.Body.Competency, Reference: in.Body.Reference,
	})
	if err != nil {
		return nil, err
	}
	return write(http.StatusCreated, answer.Receipt, renderContract(&answer.Contracts[0])), nil
}
