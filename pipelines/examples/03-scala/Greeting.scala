object Greeting {
  def greet(names: Seq[String]): String =
    names.mkString("Hello, ", " and ", ", from Scala.")

  def main(arguments: Array[String]): Unit = println(greet(arguments.toSeq))
}
