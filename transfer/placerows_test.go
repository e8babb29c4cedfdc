package transfer

// Rows about partners for the table of mistakes, with some cells replaced.

func locationRow(cells ...string) string {
	return cellsOf(append([]string{
		"record=location", "partner=4711", "location=bandung", "location_name=Bandung", "country=ID", "time_zone=Asia/Jakarta",
		"contact_name=Dewi", "contact_email=dewi@example.com", "contact_language=id",
	}, cells...))
}

func contactRow(cells ...string) string {
	return cellsOf(append([]string{
		"record=contact", "partner=4711", "country=ID", "contact_name=Eko", "contact_email=eko@example.com", "contact_language=id",
	}, cells...))
}

func toolkitRow(n int, cells ...string) string {
	return contractRow(n, append([]string{"programme=toolkit", "partner=4711", "location=bandung", "competency=devices", "reference=PO-1"}, cells...)...)
}
