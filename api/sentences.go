package api

// A sentence is what a code says to people. The detail stands where nothing more
// particular is known, the hint where the refusal gives none.
type sentence struct{ title, detail, hint string }

// sentences are the codes in English; /docs lists them.
var sentences = map[string]sentence{
	"malformed-body":            {title: "The body is malformed"},
	"malformed-id":              {title: "This cannot be an ID"},
	"malformed-moment":          {title: "This is neither a position nor a time"},
	"malformed-parameter":       {title: "A parameter is malformed"},
	"malformed-cursor":          {title: "This is no cursor of this list", hint: "take the cursor from the list's next, or leave it out"},
	"unknown-position":          {title: "This position never was", hint: "send a Ledger-Position that this ledger has answered with"},
	"idempotency-key-missing":   {title: "The Idempotency-Key is missing", detail: "the Idempotency-Key header is missing", hint: "send a new random key with each wish, and the same key when repeating one"},
	"idempotency-key-malformed": {title: "The Idempotency-Key is malformed", detail: "the Idempotency-Key must be 1 to 255 printable ASCII characters", hint: "send a random key such as a UUID"},

	"token-missing": {title: "Sign in first", detail: "the Authorization header carries no bearer token", hint: "send Authorization: Bearer TOKEN"},
	"token-invalid": {title: "The token does not count", detail: "the bearer token is not valid here", hint: "sign in again"},
	"token-expired": {title: "The token has expired", detail: "the bearer token has expired", hint: "sign in again"},

	"role-missing":     {title: "Not with this role", hint: "sign in with an account that has the role"},
	"sign-in-required": {title: "Another sign-in is needed"},
	"right-missing":    {title: "Not on behalf of this customer", hint: "ask the customer for the right, or submit for yourself"},

	"not-found":          {title: "There is nothing here", detail: "there is no such call", hint: "see /docs for all calls"},
	"contract-not-found": {title: "No such contract", hint: "check the contract's id"},
	"incident-not-found": {title: "No such incident", hint: "check the number, every digit of it"},
	"link-not-found":     {title: "No such link", hint: "list the links to see which there are"},
	"person-not-found":   {title: "No such person"},

	"method-not-allowed":     {title: "Not this method", hint: "see the Allow header, and /docs"},
	"request-timeout":        {title: "The body came too slowly", detail: "the request's body did not arrive in time", hint: "send the request again"},
	"body-too-large":         {title: "The body is too large", hint: "shorten the texts and send the request again"},
	"unsupported-media-type": {title: "The body is not JSON", hint: "send Content-Type: application/json"},

	"active":              {title: "The contract is active", hint: "nothing needs to be done"},
	"already-closed":      {title: "Closed with another code"},
	"already-renewed":     {title: "Renewed before"},
	"below-zero":          {title: "Less is available"},
	"beyond-head":         {title: "Beyond the newest event", hint: "this log has not got so far: it may have been restored from a backup; compare what you have with it, and begin at a position that it has"},
	"cancelled":           {title: "The contract was cancelled", detail: "the contract was cancelled"},
	"expired":             {title: "The contract has expired", detail: "the contract's term is over"},
	"grant-lapsed":        {title: "The grant has lapsed"},
	"incident-closed":     {title: "The incident is closed"},
	"none-available":      {title: "No incident is left", detail: "no incident is left on the contract"},
	"not-activated":       {title: "The contract is not activated", detail: "the contract has not been activated"},
	"not-closed":          {title: "The incident is open"},
	"not-yet":             {title: "Not yet", detail: "the answer is not yet true up to the position asked for", hint: "ask again in a moment"},
	"pair-exists":         {title: "These IDs are taken"},
	"programme-withdrawn": {title: "The programme was withdrawn"},
	"reclassify-too-late": {title: "Too late to reclassify"},
	"reopen-too-late":     {title: "Too late to reopen"},
	"severity-not-raised": {title: "Only an engineer raises the severity"},
	"suspended":           {title: "The contract is suspended", detail: "the contract is suspended"},
	"unlimited":           {title: "The unit is unlimited"},
	"waiting":             {title: "The term has not started", detail: "the contract's term has not started"},

	"agreement-required":     {title: "The services agreement must be accepted"},
	"clock-backwards":        {title: "The clock does not go back", hint: "set a time that is not before the one the clock shows"},
	"idempotency-key-reused": {title: "The Idempotency-Key was used for another request"},
	"ids-not-used":           {title: "No IDs here"},
	"invalid-field":          {title: "A member does not fit"},
	"pair-not-valid":         {title: "These IDs are not valid"},
	"payment-required":       {title: "A payment must be named"},
	"portal-not-accepted":    {title: "Not at this portal"},
	"product-not-covered":    {title: "Not for this product"},
	"purchase-unknown":       {title: "No such purchase", detail: "no purchase with this reference is known", hint: "name a linked contract, or another contract's IDs"},
	"wrong-portal":           {title: "Another portal takes this"},

	"too-many-requests": {title: "Too many requests", detail: "this account sends requests too fast", hint: "wait as Retry-After says"},
	"too-many-tries":    {title: "Too many tries"},

	"internal": {title: "Something went wrong here", detail: "the request failed for a reason of our own; it was logged", hint: "send the request again with the same Idempotency-Key; if that does not help, report the X-Request-Id"},

	"busy":               {title: "Too many changes at once", detail: "the contract was changed too often at the same time; nothing was recorded", hint: "send the request again with the same Idempotency-Key"},
	"issuer-unavailable": {title: "The sign-in cannot be checked", detail: "the token's issuer cannot be reached", hint: "send the request again in a moment"},
	"not-ready":          {title: "Not ready", hint: "ask again in a moment"},
	"numbers-exhausted":  {title: "No number is left today"},
	"outcome-unknown":    {title: "The outcome is not known", detail: "the request may or may not have been recorded", hint: "send the request again with the same Idempotency-Key: it counts once"},
	"storage-full":       {title: "The storage is full", detail: "there is no room to record the request; nothing was recorded", hint: "send the request again with the same Idempotency-Key when there is room"},
	"timeout":            {title: "It took too long", detail: "the request was given up before it had an answer", hint: "send the request again with the same Idempotency-Key: it counts once"},
	"unavailable":        {title: "Not now", detail: "the ledger cannot record anything now; nothing was recorded", hint: "send the request again with the same Idempotency-Key"},
}

// kalimat are the codes in Indonesian. A detail stands here only where the
// English one names nothing of the request.
var kalimat = map[string]sentence{
	"malformed-body":            {title: "Isi permintaan tidak terbaca", hint: "bandingkan isinya dengan /docs lalu kirim lagi"},
	"malformed-id":              {title: "Ini bukan ID", hint: "tulis semua digit, termasuk nol di depan"},
	"malformed-moment":          {title: "Ini bukan posisi dan bukan waktu"},
	"malformed-parameter":       {title: "Ada parameter yang tidak terbaca"},
	"malformed-cursor":          {title: "Ini bukan kursor dari daftar ini", hint: "ambil kursor dari next pada daftar, atau kosongkan"},
	"unknown-position":          {title: "Posisi ini tidak pernah ada", hint: "kirim Ledger-Position yang pernah dijawab oleh buku besar ini"},
	"idempotency-key-missing":   {title: "Idempotency-Key tidak ada", detail: "header Idempotency-Key tidak ada", hint: "kirim kunci acak baru untuk setiap permintaan, dan kunci yang sama saat mengulanginya"},
	"idempotency-key-malformed": {title: "Idempotency-Key tidak terbaca", detail: "Idempotency-Key harus 1 sampai 255 karakter ASCII yang dapat dicetak", hint: "kirim kunci acak, misalnya UUID"},

	"token-missing": {title: "Masuklah terlebih dahulu", detail: "header Authorization tidak membawa token bearer", hint: "kirim Authorization: Bearer TOKEN"},
	"token-invalid": {title: "Token tidak berlaku", detail: "token bearer tidak berlaku di sini", hint: "masuk sekali lagi"},
	"token-expired": {title: "Token sudah kedaluwarsa", detail: "token bearer sudah kedaluwarsa", hint: "masuk sekali lagi"},

	"role-missing":     {title: "Peran ini tidak diizinkan", hint: "masuk dengan akun yang memiliki peran tersebut"},
	"sign-in-required": {title: "Diperlukan cara masuk lain"},
	"right-missing":    {title: "Tidak atas nama pelanggan ini", hint: "mintalah haknya kepada pelanggan, atau kirim untuk diri sendiri"},

	"not-found":          {title: "Tidak ada apa-apa di sini", detail: "panggilan ini tidak ada", hint: "lihat semua panggilan di /docs"},
	"contract-not-found": {title: "Kontrak tidak ditemukan", detail: "kontrak ini tidak ada", hint: "periksa id kontrak"},
	"incident-not-found": {title: "Insiden tidak ditemukan", detail: "insiden ini tidak ada", hint: "periksa nomornya, setiap digitnya"},
	"link-not-found":     {title: "Tautan tidak ditemukan", detail: "akun ini tidak menautkan kontrak tersebut", hint: "lihat daftar tautan yang ada"},
	"person-not-found":   {title: "Orang ini tidak ditemukan"},

	"method-not-allowed":     {title: "Metode ini tidak diizinkan", hint: "lihat header Allow dan /docs"},
	"request-timeout":        {title: "Isi permintaan terlalu lambat", detail: "isi permintaan tidak tiba pada waktunya", hint: "kirim sekali lagi"},
	"body-too-large":         {title: "Isi permintaan terlalu besar", hint: "persingkat teksnya lalu kirim lagi"},
	"unsupported-media-type": {title: "Isi permintaan bukan JSON", hint: "kirim Content-Type: application/json"},

	"active":              {title: "Kontrak aktif", detail: "kontrak ini aktif", hint: "tidak ada yang perlu dilakukan"},
	"already-closed":      {title: "Sudah ditutup dengan kode lain", detail: "insiden ini sudah ditutup dengan kode penutupan lain", hint: "reklasifikasikan untuk mengubah kode penutupannya"},
	"already-renewed":     {title: "Sudah diperpanjang", detail: "kontrak ini sudah pernah diperpanjang"},
	"below-zero":          {title: "Yang tersedia kurang"},
	"beyond-head":         {title: "Melewati peristiwa terbaru", hint: "buku besar ini belum sampai di posisi itu, mungkin karena dipulihkan dari cadangan; bandingkan data Anda dengannya, lalu mulai dari posisi yang ada"},
	"cancelled":           {title: "Kontrak dibatalkan", detail: "kontrak ini sudah dibatalkan", hint: "gunakan kontrak lain"},
	"expired":             {title: "Kontrak berakhir", detail: "masa kontrak ini sudah berakhir", hint: "perpanjang, atau gunakan kontrak lain"},
	"grant-lapsed":        {title: "Jatah sudah hangus", hint: "tambahkan jatah baru"},
	"incident-closed":     {title: "Insiden sudah ditutup", detail: "insiden ini sudah ditutup", hint: "kirim insiden baru"},
	"none-available":      {title: "Tidak ada insiden tersisa", detail: "tidak ada insiden tersisa pada kontrak ini", hint: "gunakan kontrak lain, atau beli insiden"},
	"not-activated":       {title: "Kontrak belum diaktifkan", detail: "kontrak ini belum diaktifkan", hint: "mintalah operator kontrak mengaktifkannya"},
	"not-closed":          {title: "Insiden masih terbuka", detail: "insiden ini masih terbuka", hint: "tutuplah dengan kode penutupan itu"},
	"not-yet":             {title: "Belum", detail: "jawaban belum sampai pada posisi yang diminta", hint: "tanyakan lagi sebentar lagi"},
	"pair-exists":         {title: "ID ini sudah dipakai", detail: "kontrak dengan pasangan ID ini sudah ada", hint: "gunakan ID lain, atau kosongkan agar dibuatkan"},
	"programme-withdrawn": {title: "Program sudah ditarik", hint: "daftarkan kontrak dari program lain"},
	"reclassify-too-late": {title: "Terlambat untuk reklasifikasi", detail: "waktu untuk mereklasifikasi insiden ini sudah lewat", hint: "mintalah penyesuaian kepada operator"},
	"reopen-too-late":     {title: "Terlambat untuk membuka lagi", detail: "waktu untuk membuka lagi insiden ini sudah lewat", hint: "kirim insiden baru"},
	"severity-not-raised": {title: "Hanya teknisi yang menaikkan tingkat", detail: "pelanggan boleh menurunkan tingkat keparahan, bukan menaikkannya", hint: "mintalah lewat komentar; teknisi dapat menaikkannya"},
	"suspended":           {title: "Kontrak ditangguhkan", detail: "kontrak ini ditangguhkan", hint: "tanyakan kepada operator kontrak, atau gunakan kontrak lain"},
	"unlimited":           {title: "Satuan ini tanpa batas", detail: "kontrak ini memiliki satuan itu tanpa batas", hint: "tidak ada yang perlu ditambah atau dikurangi"},
	"waiting":             {title: "Masa kontrak belum mulai", detail: "masa kontrak ini belum mulai", hint: "tunggu sampai mulai, atau gunakan kontrak lain"},

	"agreement-required":     {title: "Perjanjian layanan harus disetujui", detail: "perjanjian layanan yang berlaku harus disetujui"},
	"clock-backwards":        {title: "Jam tidak berjalan mundur", hint: "atur waktu yang tidak lebih awal daripada waktu pada jam"},
	"idempotency-key-reused": {title: "Idempotency-Key sudah dipakai untuk permintaan lain", hint: "kirim kunci baru untuk permintaan baru"},
	"ids-not-used":           {title: "Tidak memakai ID", hint: "kosongkan pembayarannya"},
	"invalid-field":          {title: "Ada isian yang tidak sesuai"},
	"pair-not-valid":         {title: "ID tidak berlaku", detail: "Access ID dan Contract ID ini tidak berlaku untuk permintaan ini", hint: "tulis kedua ID dengan semua digitnya, termasuk nol di depan"},
	"payment-required":       {title: "Pembayaran harus disebutkan", hint: "sebutkan kontrak yang ditautkan, ID kontrak lain, atau insiden yang dibeli"},
	"portal-not-accepted":    {title: "Tidak di portal ini", detail: "program kontrak ini tidak menerima permintaan di portal ini", hint: "gunakan portal yang diterima, atau kontrak lain"},
	"product-not-covered":    {title: "Tidak untuk produk ini", detail: "program kontrak ini tidak mencakup produk ini", hint: "gunakan kontrak yang mencakupnya"},
	"purchase-unknown":       {title: "Pembelian tidak ditemukan", detail: "tidak ada pembelian dengan referensi ini", hint: "sebutkan kontrak yang ditautkan, atau ID kontrak lain"},
	"wrong-portal":           {title: "Portal lain yang menerimanya"},

	"too-many-requests": {title: "Terlalu banyak permintaan", detail: "akun ini mengirim permintaan terlalu cepat", hint: "tunggu selama Retry-After"},
	"too-many-tries":    {title: "Terlalu banyak percobaan", detail: "terlalu banyak percobaan dengan ID yang tidak berlaku", hint: "periksa kedua ID dengan pemiliknya, lalu tunggu selama Retry-After"},

	"internal": {title: "Ada yang salah di sini", detail: "permintaan gagal karena kesalahan kami; kejadiannya dicatat", hint: "kirim lagi dengan Idempotency-Key yang sama; bila tetap gagal, laporkan X-Request-Id"},

	"busy":               {title: "Terlalu banyak perubahan sekaligus", detail: "kontrak ini terlalu sering diubah pada saat yang sama; tidak ada yang dicatat", hint: "kirim lagi dengan Idempotency-Key yang sama"},
	"issuer-unavailable": {title: "Cara masuk tidak dapat diperiksa", detail: "penerbit token tidak dapat dihubungi", hint: "kirim lagi sebentar lagi"},
	"not-ready":          {title: "Belum siap", hint: "tanyakan lagi sebentar lagi"},
	"numbers-exhausted":  {title: "Nomor hari ini sudah habis"},
	"outcome-unknown":    {title: "Hasilnya tidak diketahui", detail: "permintaan mungkin sudah atau belum dicatat", hint: "kirim lagi dengan Idempotency-Key yang sama: hanya dihitung sekali"},
	"storage-full":       {title: "Penyimpanan penuh", detail: "tidak ada ruang untuk mencatat permintaan; tidak ada yang dicatat", hint: "kirim lagi dengan Idempotency-Key yang sama bila sudah ada ruang"},
	"timeout":            {title: "Terlalu lama", detail: "permintaan dihentikan sebelum ada jawaban", hint: "kirim lagi dengan Idempotency-Key yang sama: hanya dihitung sekali"},
	"unavailable":        {title: "Tidak sekarang", detail: "buku besar tidak dapat mencatat apa pun saat ini; tidak ada yang dicatat", hint: "kirim lagi dengan Idempotency-Key yang sama"},
}
