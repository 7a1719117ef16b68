-- +goose Up
-- Between which scores the findings of a severity lie: wide enough for all that
-- were ever stored, of any Region. The severity follows from a score mostly, but
-- not always, so it cannot be reckoned. A list of some severities by score
-- begins where they can.
CREATE TABLE score_bands (
    severity BIGINT           NOT NULL PRIMARY KEY,
    lowest   DOUBLE PRECISION NOT NULL,
    highest  DOUBLE PRECISION NOT NULL
);
INSERT INTO score_bands (severity, lowest, highest)
    SELECT severity, MIN(score), MAX(score) FROM findings WHERE score IS NOT NULL GROUP BY severity;

-- +goose Down
DROP TABLE score_bands;
