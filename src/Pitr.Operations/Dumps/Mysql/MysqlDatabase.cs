namespace Pitr.Operations.Dumps.Mysql;

/// <summary>A database of a MySQL or MariaDB server.</summary>
/// <param name="Name">Its name.</param>
/// <param name="CharacterSet">Default character set of what is made in it.</param>
/// <param name="Collation">Default collation.</param>
/// <param name="Bytes">What its tables take, as the server estimates it.</param>
/// <param name="Objects">Tables, views, routines and events.</param>
sealed record MysqlDatabase(string Name, string CharacterSet, string Collation, long Bytes, long Objects);
