package family

func chatWithMara() []line {
	return []line{
		them(days(1, 18, 42), "I got the hut! Friday to Sunday, all six bunks 🎉"),
		me(days(1, 18, 43), "No way! I thought it was booked until autumn"),
		them(days(1, 18, 44), "Somebody cancelled this morning and I was on the phone within a minute"),
		me(days(1, 18, 46), "You are the best. I'll tell Jonas and Tomás"),
		them(days(1, 18, 52), "Do it before they make other plans. The train leaves at 16:08 from platform 7, and the last cable car goes up at 18:45. If we miss that one we walk: two hours, uphill, in the dark, with the fondue pot."),
		me(days(1, 18, 53), "We are not walking with the fondue pot"),
		them(days(1, 18, 53), "🫕😂"),
		them(ago(34), "Here is the route for Saturday, about four hours with the detour to the lake: https://osm.org/relation/13650"),
		me(ago(31), "The lake is worth it. Last time we had it all to ourselves"),
		them(ago(30), "And the water had eleven degrees"),
		me(ago(29), "Twelve! I measured 🥶"),
		them(ago(12), "Who brings what? I have cheese, bread and the stove"),
		me(ago(9), "I take coffee, breakfast and the first-aid kit. Tomás has a rope and “a surprise”"),
		them(ago(8), "Last time the surprise was a ukulele"),
		me(ago(7), "It is always the ukulele"),
		them(ago(4), "Then bring earplugs. See you on platform 7!"),
		me(ago(3), "See you there ❤️"),
	}
}

func chatWithGerda() []line {
	return []line{
		them(days(2, 10, 2), "Hallo mein Schatz, hier ist Oma. Ich habe das jetzt auch auf dem Tablet. Mara hat mir den Code gezeigt, den man abfotografiert, und auf einmal war alles da. Ist das richtig so?"),
		me(days(2, 10, 15), "Oma! Genau richtig ❤️ Wie schön, dass du da bist"),
		them(days(2, 10, 21), "Und das kann jetzt wirklich niemand mitlesen?"),
		me(days(2, 10, 23), "Niemand. Nur du und ich"),
		them(days(2, 10, 25), "Nicht einmal Onkel Rolf?"),
		me(days(2, 10, 26), "Nicht einmal Onkel Rolf 😄"),
		them(ago(64), "Der Apfelkuchen ist im Ofen. Kommt ihr am Sonntag auf dem Rückweg vorbei?"),
	}
}

func chatWithJonas() []line {
	return []line{
		me(days(1, 20, 12), "The backup at home fails since Sunday. Any idea?"),
		them(days(1, 20, 14), "What does the log say?"),
		me(days(1, 20, 15), "rsync: write failed on \"/srv/backup/photos.tar\": No space left on device (28)"),
		them(days(1, 20, 17), "Thought so. This finds what eats it:\n\ndu -xh --max-depth=2 /srv \\\n  | sort -h \\\n  | tail -n 12"),
		me(days(1, 20, 31), "40 GB of thumbnails 🙈"),
		them(days(1, 20, 32), "Told you 😄"),
		them(ago(23), "I made you a timer that cleans up by itself. Put this into /etc/systemd/system/thumbs.timer:\n\n[Timer]\nOnCalendar=weekly\nPersistent=true\n\n[Install]\nWantedBy=timers.target"),
		them(ago(22), "And yes, count me in for the hut!"),
	}
}

func chatWithTomas() []line {
	return []line{
		them(days(1, 21, 5), "A Mara falou da cabana. Estou dentro! 🏔️"),
		me(days(1, 21, 8), "Boa! Levas a corda?"),
		them(days(1, 21, 9), "Levo a corda e uma surpresa"),
		me(days(1, 21, 9), "É o ukulele, não é?"),
		them(days(1, 21, 12), "Não posso confirmar nem desmentir 🎸"),
		me(ago(170), "Comboio às 16:08, linha 7. Não te atrases!"),
		them(ago(165), "Eu? Nunca 😇"),
	}
}

func chatWithMisaki() []line {
	return []line{
		them(days(2, 8, 30), "おはよう！写真ありがとう、とてもきれいだったよ"),
		me(days(2, 8, 41), "気に入ってくれてよかった 😊 来月は会える？"),
		them(days(2, 8, 55), "うん、12日から東京にいるよ。駅前の新しいカフェに行こう ☕"),
		me(days(1, 7, 48), "いいね！楽しみにしてる"),
	}
}

func chatWithSalma() []line {
	return []line{
		them(days(3, 20, 11), "مساء الخير! هل وصلتك الوصفة؟"),
		me(days(3, 20, 24), "نعم، شكراً جزيلاً! سأجربها يوم الأحد"),
		them(days(3, 20, 26), "لا تنسَ الكمون 😄 هذا هو السر"),
		me(days(3, 20, 27), "لن أنسى. سأرسل لك صورة"),
	}
}

func chatWithPriya() []line {
	return []line{
		them(days(5, 12, 20), "The pictures from the concert are up: https://photos.example.org/s/choir-in-june"),
		me(days(5, 12, 34), "Beautiful! May I print the third one?"),
		them(days(5, 12, 36), "Of course, they belong to all of us"),
		away(),
		me(days(3, 17, 45), "Printed. It hangs in the kitchen now, come and see!"),
	}
}

func chatInFamily() []line {
	return []line{
		who("gerda", days(1, 8, 1), "Guten Morgen ihr Lieben ☀️"),
		who("mara", days(1, 8, 20), "Morning Oma! Did you sleep well?"),
		who("gerda", days(1, 8, 24), "Wie ein Stein. Rolf hat angerufen, er möchte auch in die Gruppe"),
		who(robin, days(1, 8, 30), "I can invite him tonight"),
		who("mara", days(1, 8, 31), "Brace yourselves 😅"),
		who("gerda", ago(95), "Am Sonntag gibt es Apfelkuchen für alle"),
		who(robin, ago(90), "🍎🥧"),
	}
}

func chatAboutHut() []line {
	return []line{
		who("mara", days(1, 19, 10), "Welcome! Four of us so far, two bunks are still free"),
		who("tomas", days(1, 21, 14), "I bring the rope. And a surprise"),
		who(robin, days(1, 21, 15), "We know, Tomás"),
		who("jonas", ago(21), "Count me in. Who has snowshoes?"),
		who("mara", ago(18), "Two pairs in my cellar, I'll bring them"),
	}
}
