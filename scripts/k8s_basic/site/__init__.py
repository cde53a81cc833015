"""What turns the pages into the site: MkDocs hooks and changes to the theme's templates."""
