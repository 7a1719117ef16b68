package wire

import (
	"encoding/base64"
	"math"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"muster/internal/awsmodel"
)

// setText reads a plain value from its text: query parameters, path parameters
// and headers. It says whether the text was of the right type.
func (d *decoder) setText(s *compiled, v reflect.Value, text string) bool {
	switch s.Kind {
	case awsmodel.String:
		if !utf8.ValidString(text) {
			return false
		}
		d.judge(s, s.checkString(text), text)
		place(v).SetString(text)
	case awsmodel.Integer, awsmodel.Long:
		return d.setInteger(s, v, text)
	case awsmodel.Double:
		return d.setDouble(s, v, text)
	case awsmodel.Boolean:
		if text != "true" && text != "false" {
			return false
		}
		place(v).SetBool(text == "true")
	case awsmodel.Timestamp:
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || !validTime(t) {
			return false
		}
		place(v).Set(reflect.ValueOf(t.UTC().Truncate(time.Microsecond)))
	case awsmodel.Blob:
		return d.setBlob(s, v, text)
	default:
		return false
	}
	return true
}

func (d *decoder) setInteger(s *compiled, v reflect.Value, text string) bool {
	bits := 32
	if s.Kind == awsmodel.Long {
		bits = 64
	}
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return false
	}
	d.judge(s, s.checkNumber(float64(n)), text)
	place(v).SetInt(n)
	return true
}

func (d *decoder) setDouble(s *compiled, v reflect.Value, text string) bool {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return false
	}
	d.judge(s, s.checkNumber(f), text)
	place(v).SetFloat(f)
	return true
}

func (d *decoder) setBlob(s *compiled, v reflect.Value, text string) bool {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	d.judge(s, s.checkSize(len(b), nil), text)
	v.SetBytes(b)
	return true
}

// setEpoch reads seconds since 1970, with a fraction, to the microsecond.
func setEpoch(v reflect.Value, seconds float64) bool {
	if !(seconds >= -62135596800 && seconds < 253402300800) {
		return false
	}
	whole := math.Floor(seconds)
	t := time.Unix(int64(whole), 0).Add(time.Duration(math.Round((seconds-whole)*1e6)) * time.Microsecond)
	if !validTime(t) {
		return false
	}
	place(v).Set(reflect.ValueOf(t.UTC()))
	return true
}

// validTime keeps to the years that both wire forms can carry.
func validTime(t time.Time) bool {
	y := t.UTC().Year()
	return y >= 1 && y <= 9999
}
