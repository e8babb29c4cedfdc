package audit

import "github.com/supportledger/supportledger/domain/contract"

// allowsRight holds that a right is recorded once, by the command that submits
// the incident, for whoever submits it, where it is submitted.
func (c *contractCheck) allowsRight(r *recorded, e *contract.IncidentRightUsed, in *incidentCheck) *wrong {
	switch {
	case r.Meta.Command != c.submitting || c.submitted != e.Number || in.forOther || in.filed:
		return breaks(LawRight, "a right is used for %v, which was not submitted just before, by the same command", e.Number)
	case e.Account != in.account || e.Portal != in.portal:
		return breaks(LawRight, "account %s uses a right of %s for %v, which account %s has submitted at %s", e.Account, e.Portal, e.Number, in.account, in.portal)
	case e.Customer == "" || e.Right == "":
		return breaks(LawRight, "a right is used for %v without a customer or the right", e.Number)
	}
	return nil
}
