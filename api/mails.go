package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/projections"
)

func (a *API) registerMails() {
	const tag = "Mails"
	register(a, "list-mails", http.StatusOK, texts{tag, "Mails that were sent, and those that were not",
		"The newest first. A mail is listed once it was sent or given up."}, a.listMails)
	register(a, "resend-mail", http.StatusOK, texts{tag, "Send a mail again that was given up",
		"The wish is durable when it is answered. A mail that was sent is never sent again: already-sent."}, a.resendMail)
	register(a, "resend-ids", http.StatusOK, texts{"Contracts", "Mail a contract's IDs again",
		"To its primary contact: that of the partner's headquarters, or of the toolkit's location. Where the policy of the benefit's region allows it, " +
			"to an associated contact in that country instead. The answer never shows them."}, a.resendIDs)
}

// A mailView is a mail as operators see it.
type mailView struct {
	ID        string        `json:"id"`
	Contract  string        `json:"contract" doc:"The contract that it is about, or the incident that no contract pays for"`
	Kind      string        `json:"kind" enum:"ids,linked,submitted,closed,few-left,expiring,expired"`
	Cause     *string       `json:"cause" doc:"The event that it tells of; null where time has caused it"`
	Language  string        `json:"language"`
	Recipient recipientView `json:"recipient"`
	Status    string        `json:"status" enum:"sent,given-up,requested"`
	Tries     int           `json:"tries" doc:"The try by which it was sent, or how many were made until it was given up"`
	Reason    *string       `json:"reason" doc:"Why it was given up; null for one that was sent"`
	Said      *string       `json:"said" doc:"What the last try was told; null where it was sent, or nothing was said"`
	MessageID *string       `json:"message_id" doc:"null for one that was not sent"`
	At        time.Time     `json:"at" doc:"When it was sent, given up, or asked for again"`
}

// A recipientView is to whom a mail goes; erased where the person was forgotten.
type recipientView struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

type mailsInput struct {
	PageInput
	Status   string `query:"status" enum:"sent,given-up,requested" doc:"requested: given up, and asked for again since"`
	Contract string `query:"contract" maxLength:"64" doc:"Only the mails about this contract, or this incident that no contract pays for"`
	Kind     string `query:"kind" enum:"ids,linked,submitted,closed,few-left,expiring,expired"`
}

func (a *API) listMails(ctx context.Context, _ *call, in *mailsInput) (*shown[list[mailView]], error) {
	filter := projections.MailFilter{Status: mail.Status(in.Status), Kind: mail.Kind(in.Kind)}
	if in.Contract != "" {
		var err error
		if filter.Contract, err = uuid.Parse(in.Contract); err != nil || filter.Contract == uuid.Nil {
			return nil, aField("malformed-parameter", "contract", "must be the id of a contract", "take the id from a list of contracts")
		}
	}
	if err := a.wait(ctx, in.After); err != nil {
		return nil, err
	}
	rows, err := a.Projections.Mails.List(ctx, a.Ledger.Now(), filter, in.page())
	if err != nil {
		return nil, err
	}
	for i := range rows.Items {
		if err := a.Ledger.OpenRecipient(ctx, &rows.Items[i].Recipient); err != nil {
			return nil, err
		}
	}
	return render(rows, renderMail), nil
}

func renderMail(r *projections.MailRow) mailView {
	v := mailView{
		ID: r.Mail.String(), Contract: r.Contract.String(), Kind: string(r.Kind), Cause: idOrNull(r.Cause), Language: r.Language,
		Recipient: renderRecipient(&r.Recipient), Status: string(r.Status), Tries: r.Tries, Reason: orNull(r.Reason),
		MessageID: orNull(r.MessageID), At: r.At,
	}
	if r.Recipient.Clear != nil {
		v.Said = orNull(r.Recipient.Clear.Said)
	}
	return v
}

// renderRecipient shows a recipient that was opened, or forgotten (R47).
func renderRecipient(to *domain.Sealed[mail.Recipient]) recipientView {
	if to.Clear == nil {
		return recipientView{domain.ErasedText, domain.ErasedText}
	}
	return recipientView{to.Clear.Name, to.Clear.Email}
}

type resendInput struct {
	ID   string `path:"id" doc:"The mail's id"`
	Body *resendBody
}

// A resentMail is a mail that was asked for again.
type resentMail struct {
	ID        string        `json:"id"`
	Contract  string        `json:"contract" doc:"The contract that it is about, or the incident that no contract pays for"`
	Kind      string        `json:"kind" enum:"ids,linked,submitted,closed,few-left,expiring,expired"`
	Cause     *string       `json:"cause" doc:"The event that it tells of; null where time has caused it"`
	Language  string        `json:"language"`
	Recipient recipientView `json:"recipient"`
	Status    string        `json:"status" enum:"requested"`
	At        time.Time     `json:"at" doc:"When it was asked for"`
}

func (a *API) resendMail(ctx context.Context, c *call, in *resendInput) (*written[resentMail], error) {
	id, err := uuid.Parse(in.ID)
	if err != nil || len(in.ID) != 36 {
		return nil, problem(mail.NotFound, "there is no such mail", sentences[mail.NotFound].hint)
	}
	row, found, err := a.findMail(ctx, id)
	if err == nil && !found {
		err = mail.RefuseUnknown(id)
	}
	if err != nil {
		return nil, err
	}
	reason := ""
	if in.Body != nil {
		reason = in.Body.Reason
	}
	answer, err := a.Ledger.ResendMail(ctx, c.request(""), row.Contract, id, reason)
	if err != nil {
		return nil, err
	}
	return write(http.StatusOK, answer.Receipt, renderResent(id, &answer)), nil
}

type resendIDsInput struct {
	ID   string `path:"id" doc:"The contract's id"`
	Body *resendIDsBody
}

func (a *API) resendIDs(ctx context.Context, c *call, in *resendIDsInput) (*written[resentMail], error) {
	id, err := contractID(in.ID)
	if err != nil {
		return nil, err
	}
	if in.Body == nil {
		in.Body = new(resendIDsBody)
	}
	answer, err := a.Ledger.ResendIDs(ctx, c.request(""), id, in.Body.To, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return write(http.StatusOK, answer.Receipt, renderResent(answer.Letter.Mail, &answer)), nil
}

func renderResent(id uuid.UUID, answer *ledger.MailAnswer) resentMail {
	return resentMail{
		ID: id.String(), Contract: answer.Contract.String(), Kind: string(answer.Letter.Kind), Cause: idOrNull(answer.Letter.Cause),
		Language: answer.Letter.Language, Recipient: renderRecipient(&answer.Recipient), Status: string(mail.StatusRequested), At: answer.At,
	}
}

// findMail asks the list; where it does not know a mail it has to have seen
// everything that was recorded before it is believed (R37).
func (a *API) findMail(ctx context.Context, id uuid.UUID) (projections.MailRow, bool, error) {
	row, found, err := a.Projections.Mails.Find(ctx, id)
	if err != nil || found {
		return row, found, err
	}
	if err := a.awaitHead(ctx); err != nil {
		return row, false, err
	}
	return a.Projections.Mails.Find(ctx, id)
}
