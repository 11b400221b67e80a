namespace Pitr.Operations.Services;

sealed record LeaseDocument(string Owner, string Host, int Process, DateTimeOffset Expires);
