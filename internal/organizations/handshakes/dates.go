package handshakes

import (
	"time"

	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations/refusal"
)

const (
	// answerBefore is how long before its start a transfer must be agreed on.
	answerBefore = 24 * time.Hour
	// startWithin is how many months ahead a transfer may start.
	startWithin = 12
	// endWithin is how many years ahead a withdrawn transfer may end.
	endWithin = 10
)

// startDate refuses a start that is not the beginning of a coming month.
func startDate(start, now time.Time) error {
	start = start.UTC()
	switch {
	case !start.Equal(start.Truncate(day)):
		return refusal.Invalid(api.InvalidInputExceptionReasonStartDateNotBeginningOfDay,
			"You provided an invalid start date. The start date must be the beginning of the day (00:00:00.000).")
	case start.Day() != 1:
		return refusal.Invalid(api.InvalidInputExceptionReasonStartDateNotBeginningOfMonth,
			"You provided an invalid start date. The start date must be the first day of the month.")
	case !now.Before(start.Add(-answerBefore)):
		return refusal.Invalid(api.InvalidInputExceptionReasonStartDateTooEarly,
			"You provided an invalid start date. The start date is too early.")
	case start.After(now.AddDate(0, startWithin, 0)):
		return refusal.Invalid(api.InvalidInputExceptionReasonStartDateTooLate,
			"You provided an invalid start date. The start date is too late.")
	}
	return nil
}

// monthAfter is the beginning of the month that follows a time's.
func monthAfter(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
}

// endDate returns when a withdrawn transfer ends: at the last moment of the
// month that was asked for, or else of the current month, but never before it
// has begun.
func endDate(asked *time.Time, start, now time.Time) (time.Time, error) {
	earliest := now
	if start.After(now) {
		earliest = start
	}
	if asked == nil {
		return monthAfter(earliest).Add(-time.Millisecond), nil
	}
	end := asked.UTC()
	next := end.Truncate(time.Second).Add(time.Second)
	switch {
	case !next.Equal(next.Truncate(day)) || next.Day() != 1:
		return end, refusal.Invalid(api.InvalidInputExceptionReasonEndDateNotEndOfMonth,
			"You provided an invalid end date. The end date must be the end of the last day of the month (23.59.59.999).")
	case end.After(now.AddDate(endWithin, 0, 0)):
		return end, refusal.Invalid(api.InvalidInputExceptionReasonInvalidEndDate, "You provided an invalid end date.")
	case end.Before(earliest):
		return end, refusal.Invalid(api.InvalidInputExceptionReasonEndDateTooEarly,
			"You provided an invalid end date. It is too early for the transfer to end.")
	}
	return end, nil
}
