// Package directory remembers who exists and who belongs together: accounts,
// organizations and their trees, trusted access, delegated administrators,
// account requests, tags and policy types.
//
// Functions take the transaction they work in. They answer store.ErrNotFound
// for a row that is not there and otherwise decide nothing: what is permitted
// is the organizations desk's business. Lists are pages in the order of their
// key, beginning after a given key; an empty key means the first page.
//
// Inserts answer store.ErrConflict when the key is taken, which callers look
// for beforehand to refuse it in the right words.
package directory
