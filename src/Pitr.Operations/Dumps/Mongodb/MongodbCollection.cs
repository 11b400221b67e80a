namespace Pitr.Operations.Dumps.Mongodb;

/// <summary>A collection of a database, or a view.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">collection, view, or timeseries.</param>
sealed record MongodbCollection(string Name, string Type)
{
    /// <summary>Whether it is a view, which holds nothing.</summary>
    public bool IsView => Type == "view";

    /// <summary>Whether it is of kind time series, which the server keeps in a collection of another name.</summary>
    public bool IsTimeseries => Type == "timeseries";
}
