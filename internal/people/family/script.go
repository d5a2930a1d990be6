package family

import "time"

// line is something that is said in a chat, or the moment in which somebody puts the phone away.
type line struct {
	// by is who says it, "" for the other one in a chat of two.
	by   string
	when moment
	text string
	// leaves: nothing is said, the other one goes offline and does not see what comes after.
	leaves bool
}

// moment is a time in the past, as seen from now.
type moment func(now time.Time) time.Time

// ago is some minutes before now.
func ago(minutes int) moment {
	return func(now time.Time) time.Time { return now.Add(-time.Duration(minutes) * time.Minute) }
}

// days is a time of a day before today, as the clock on the wall showed it there.
func days(back, hour, minute int) moment {
	return func(now time.Time) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()-back, hour, minute, 0, 0, now.Location())
	}
}

// them, me and who say something; away is the end of what the other one sees.
func them(when moment, text string) line     { return line{when: when, text: text} }
func me(when moment, text string) line       { return line{by: robin, when: when, text: text} }
func who(by string, w moment, t string) line { return line{by: by, when: w, text: t} }
func away() line                             { return line{leaves: true} }

// times are when the lines were said: in their order, and not in the future.
func times(lines []line, now time.Time) []time.Time {
	all := make([]time.Time, len(lines))
	last := time.Time{}
	for i, l := range lines {
		if l.leaves {
			continue
		}
		all[i] = l.when(now)
		// Shortly after midnight, yesterday evening is later than an hour ago.
		if !all[i].After(last) {
			all[i] = last.Add(time.Second)
		}
		last = all[i]
	}
	return all
}
