package family

// robin is who looks at the app. Their phone is one of the household too, and has the other half of what
// was said.
const robin = "robin"

// character is somebody whom Robin knows.
type character struct {
	local, name string
	// show and status are their presence (RFC 6121 section 4.7.2.1).
	show, status string
	chat         []line
	// unread is how many of their last lines Robin has not read. distracted: they have not read Robin's.
	unread     int
	distracted bool
	// answers are what they say when somebody writes to them, and news what they say by themselves.
	answers, news []string
}

// circle is a private group.
type circle struct {
	local, name string
	members     []string
	chat        []line
	unread      int
}

// Robin's own account, as the phone shows it, which lies somewhere; and those that are no contacts: one
// asks to be, one was asked and has not answered, and one is kept away.
var (
	self     = character{local: robin, name: "Robin Lindqvist", show: "xa"}
	stranger = character{local: "elif", name: "Elif Yıldız", status: "Hi Robin, we met at the flea market. You still have my umbrella!"}
)

const (
	silent  = "nils"
	blocked = "prizes"
)

// cast are Robin's contacts.
func cast() []character {
	return []character{
		{
			local: "mara", name: "Mara Lindqvist", chat: chatWithMara(),
			answers: []string{"😂", "Good point", "I was about to ask the same!", "Let me look that up, one moment", "Yes! And bring the thermos, please", "I'll call you later, I am on the bike"},
			news:    []string{"Just checked the forecast: sun until Sunday ☀️", "Does anybody still have my blue sleeping bag?", "Found the good torch. It even works."},
		},
		{
			local: "gerda", name: "Oma Gerda", show: "away", chat: chatWithGerda(), unread: 1,
			answers: []string{"Ach, das freut mich ❤️", "Ich drücke dich!", "Ja natürlich, mein Schatz", "Das muss ich erst Mara fragen", "Und iss ordentlich!"},
			news:    []string{"Der Kuchen ist fertig 🍎", "Die Katze liegt wieder auf dem Tablet"},
		},
		{
			local: "jonas", name: "Jonas Weber", show: "dnd", status: "In a meeting", chat: chatWithJonas(), unread: 2,
			answers: []string{"Sorry, meeting. Later?", "👍", "Did you try turning it off and on again?", "Works on my machine", "Send me the log, I'll have a look tonight"},
			news:    []string{"Meeting over. Finally.", "Who else is awake and wants to play chess?"},
		},
		{
			local: "tomas", name: "Tomás Ferreira", chat: chatWithTomas(),
			answers: []string{"Claro!", "Combinado 👌", "Depois digo-te", "Haha, exatamente", "Estou a caminho"},
			news:    []string{"Aprendi uma música nova 🎶", "Alguém viu a minha corda azul?"},
		},
		{
			local: "misaki", name: "田中 美咲", show: "away", status: "電車の中", chat: chatWithMisaki(), distracted: true,
			answers: []string{"うん、わかった！", "ありがとう 😊", "あとで電話するね", "それはいいね"},
			news:    []string{"今日はとても天気がいい 🌸"},
		},
		{
			local: "salma", name: "سلمى حداد", chat: chatWithSalma(),
			answers: []string{"بالتأكيد!", "شكراً لك 🌷", "سأتصل بك لاحقاً"},
		},
		{local: "priya", name: "Priya Raman", chat: chatWithPriya(), answers: []string{"Lovely!", "Back on Monday, talk then?"}},
		{local: "anouk", name: "Anouk Visser", show: "xa", status: "On holiday until the 9th", answers: []string{"Hello from the beach 🏖️"}},
	}
}

// circles are the groups.
func circles() []circle {
	return []circle{
		{local: "family", name: "Lindqvist family", members: []string{"mara", "gerda"}, chat: chatInFamily()},
		{local: "hut", name: "Hut weekend 🏔️", members: []string{"mara", "jonas", "tomas"}, chat: chatAboutHut(), unread: 2},
	}
}
