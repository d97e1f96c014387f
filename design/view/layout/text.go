package layout

import "strings"

// Widths of the characters from space to tilde in thousandths of an em, of
// DejaVu Sans: the widest of the fonts that a browser may take for sans-serif,
// so that what fits here fits everywhere.
var (
	regular = [...]uint16{318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000,
		684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500,
		613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838}
	bold = [...]uint16{348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365, 696, 696, 696, 696, 696, 696, 696, 696, 696, 696, 400, 400, 838, 838, 838, 580, 1000,
		774, 762, 734, 830, 683, 683, 821, 837, 372, 372, 775, 637, 995, 837, 850, 733, 850, 770, 720, 682, 812, 774, 1103, 771, 724, 725, 457, 365, 457, 838, 500, 500,
		675, 716, 593, 716, 678, 435, 716, 712, 343, 343, 665, 343, 1042, 712, 687, 716, 716, 493, 595, 478, 712, 652, 924, 645, 652, 582, 712, 365, 712, 838}
)

// Font is a size in pixels and a weight.
type Font struct {
	Size float64
	Bold bool
}

// The fonts of a picture.
var (
	LabelFont  = Font{13, true}
	DetailFont = Font{11, false}
	SmallFont  = Font{11, false}
	GroupFont  = Font{12, true}
	PillFont   = Font{9, false}
	TitleFont  = Font{20, true}
)

// Width is an upper bound of how wide a text is, in pixels.
func (f Font) Width(text string) float64 {
	table := &regular
	if f.Bold {
		table = &bold
	}
	sum := 0
	for _, r := range text {
		switch {
		case r >= ' ' && r <= '~':
			sum += int(table[r-' '])
		case r < 0x1100:
			sum += 750
		default: // wide scripts and signs
			sum += 1050
		}
	}
	return float64(sum) * f.Size / 1000
}

// Wrap breaks a text into at most n lines: after a separator or before a capital
// where the line would pass limit, inside a word only where it would pass hard.
// What does not fit ends with an ellipsis.
func (f Font) Wrap(text string, limit, hard float64, n int) []string {
	var lines []string
	for rest := text; rest != ""; {
		if f.Width(rest) <= limit {
			return append(lines, rest)
		}
		at := f.breakAt(rest, limit, hard)
		if at == len(rest) {
			return append(lines, rest)
		}
		if len(lines) == n-1 {
			return append(lines, f.Cut(rest, hard))
		}
		lines = append(lines, strings.TrimRight(rest[:at], " "))
		rest = strings.TrimLeft(rest[at:], " ")
	}
	return lines
}

// breakAt is where the first line ends.
func (f Font) breakAt(text string, limit, hard float64) int {
	best, full := 0, 0
	var last rune
	for i, r := range text {
		w := f.Width(text[:i])
		if w > hard {
			break
		}
		full = i
		if strings.ContainsRune(" -_./:", last) || (r >= 'A' && r <= 'Z' && last >= 'a' && last <= 'z') {
			if w > limit && best > 0 {
				return best
			}
			best = i
			if w > limit {
				return best
			}
		}
		last = r
	}
	switch {
	case best > 0:
		return best
	case f.Width(text) <= hard:
		return len(text)
	}
	return max(full, len(string([]rune(text)[:1])))
}

// Cut shortens a text to a width, with an ellipsis when anything is lost.
func (f Font) Cut(text string, limit float64) string {
	if f.Width(text) <= limit {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 && f.Width(string(runes)+"…") > limit {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ") + "…"
}
