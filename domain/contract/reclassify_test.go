package contract

import "testing"

func TestR20_Reclassifying(t *testing.T) {
	toCredit := given(reclassified(9, "resolved", "duplicate"), credited(9, 1, 1))
	toCount := given(reclassified(9, "duplicate", "resolved"), deducted(9, 1, 0))
	atOffice := given(submitted(9), closed(9, "duplicate", now))
	spec{
		"as crediting returns the unit":                  {counted(1), when(reclassify(9, "duplicate")), then(toCredit)},
		"as counted deducts it again":                    {returned(1), when(reclassify(9, "resolved")), then(toCount)},
		"as another that counts moves nothing":           {counted(1), when(reclassify(9, "workaround")), then(reclassified(9, "resolved", "workaround"))},
		"as another that credits moves nothing":          {returned(1), when(reclassify(9, "wrong-queue")), then(reclassified(9, "duplicate", "wrong-queue"))},
		"as what it is changes nothing":                  {counted(1), when(reclassify(9, "resolved")), thenNothing},
		"within 60 days to the instant":                  {counted(1), when(reclassify(9, "duplicate")).at(lastReclassify), then(toCredit)},
		"not an instant later":                           {counted(1), when(reclassify(9, "duplicate")).at(afterReclassify), refuses("reclassify-too-late")},
		"not as what it is an instant later":             {counted(1), when(reclassify(9, "resolved")).at(afterReclassify), refuses("reclassify-too-late")},
		"long after it can no longer be reopened":        {counted(1), when(reclassify(9, "duplicate")).at(afterReopen), then(toCredit)},
		"back and forth":                                 {given(counted(1), toCredit), when(reclassify(9, "resolved")), then(toCount)},
		"an open one is refused":                         {given(active(2), linked(ani), paid(9, 1)), when(reclassify(9, "duplicate")), refuses("not-closed")},
		"a code that is not in the catalogue":            {counted(1), when(reclassify(9, "bored")), refuses("invalid-field:closure")},
		"as counted where nothing is left":               {given(returned(1), paid(8, 0)), when(reclassify(9, "resolved")), refuses("none-available")},
		"as counted while suspended":                     {given(returned(1), suspended()), when(reclassify(9, "resolved")), refuses("suspended")},
		"as counted when cancelled":                      {given(returned(1), cancelled(), lapsed(1, 1, now)), when(reclassify(9, "resolved")), refuses("cancelled")},
		"as counted when expired":                        {endingSoon(returned(1)), when(reclassify(9, "resolved")).at(afterReopen), refuses("expired")},
		"as crediting while suspended returns the unit":  {given(counted(1), suspended()), when(reclassify(9, "duplicate")), then(toCredit)},
		"as crediting when cancelled it lapses":          {given(counted(1), cancelled()), when(reclassify(9, "duplicate")), then(reclassified(9, "resolved", "duplicate"), credited(9, 1, 0), lapsed(1, 1, now))},
		"as crediting when expired it lapses":            {endingSoon(counted(1)), when(reclassify(9, "duplicate")).at(afterReopen), then(expired("2026-03-10T00:00:00Z"), reclassified(9, "resolved", "duplicate"), credited(9, 1, 0), lapsed(1, 1, "2026-03-10T00:00:00Z"))},
		"as another that credits works when cancelled":   {given(returned(1), cancelled(), lapsed(1, 1, now)), when(reclassify(9, "wrong-queue")), then(reclassified(9, "duplicate", "wrong-queue"))},
		"R15: moves nothing where nothing was deducted":  {atOffice, when(reclassify(9, "resolved")), then(reclassified(9, "duplicate", "resolved"))},
		"R20: a reopened one must be closed again first": {given(counted(1), reopened(9)), when(reclassify(9, "duplicate")), refuses("not-closed")},
	}.run(t)
}
